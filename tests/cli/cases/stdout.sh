# a reader that goes away is fine; an answer that cannot be written is not
{ $WINNOW help --markdown; echo "exit $?" >&2; } | true
{ $WINNOW help --markdown; echo "exit $?" >&2; } > /dev/full
{ $WINNOW --version; echo "exit $?" >&2; } > /dev/full
$WINNOW help sql >&-
echo "exit $?" >&2
