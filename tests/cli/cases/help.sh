# help goes to stdout and ends with 0, in each of its ways
$WINNOW > a && $WINNOW help > b && $WINNOW --help > c && $WINNOW -h > d || exit 1
cmp a b && cmp a c && cmp a d
$WINNOW help show > a && $WINNOW show --help > b && $WINNOW --help show > c && $WINNOW show x --nonsense -h > d || exit 1
cmp a b && cmp a c && cmp a d
$WINNOW --version | sed 's/[0-9][0-9.]*/N/'
$WINNOW help --names
$WINNOW help sql
