# what there is to write programs in; versions differ by host
$WINNOW --json languages | sed -E 's/"toolchain":("[^"]*"|null)/"toolchain":T/; s/"present":(true|false)/"present":P/' | grep -E '"name":"(c|cpp|python)"'
$WINNOW languages | head -1 | sed -E 's/ +/ /g'
$WINNOW languages --languages-dir none
echo "exit $?" >&2
mkdir broken broken/x
printf 'name: x\ntitel: X\n' > broken/x/language.yaml
$WINNOW languages --languages-dir broken
echo "exit $?" >&2
# a language whose toolchain is not there: named with the package that brings it
mkdir -p more/ghost more/bare
for name in ghost bare; do
	printf 'name: %s\ntitle: %s\naliases: []\nextensions: [.%s]\nsource: main.%s\n' $name $name $name $name > more/$name/language.yaml
	printf 'run:\n  argv: [/nowhere/%s, main.%s]\n' $name $name >> more/$name/language.yaml
done
echo 'detect: { argv: [/nowhere/ghost, --version], name: ghost, package: ghostscript }' >> more/ghost/language.yaml
echo 'detect: { argv: [/nowhere/bare, --version], name: bare }' >> more/bare/language.yaml
$WINNOW languages --languages-dir more
echo x > x.ghost
$WINNOW exec --languages-dir more x.ghost
echo "exit $?" >&2
