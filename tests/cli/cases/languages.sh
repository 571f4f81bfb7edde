# what there is to write programs in; versions differ by host
$WINNOW --json languages | sed -E 's/"toolchain":("[^"]*"|null)/"toolchain":T/; s/"present":(true|false)/"present":P/' | grep -E '"name":"(c|cpp|python)"'
$WINNOW languages | head -1 | sed -E 's/ +/ /g'
$WINNOW languages --languages-dir none
echo "exit $?" >&2
mkdir broken broken/x
printf 'name: x\ntitel: X\n' > broken/x/language.yaml
$WINNOW languages --languages-dir broken
echo "exit $?" >&2
