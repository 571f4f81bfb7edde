# each effective value and where it came from; a bad file is told by file and line
cat > a.yaml <<'YAML'
# a comment
template: plain
languages_dir: /nowhere
YAML
show() { WINNOW_LANGUAGES_DIR= WINNOW_STORE=env.db "$@"; echo "exit $?" >&2; }
show $WINNOW config show --command prompt --config a.yaml
show $WINNOW config show --command prompt --config a.yaml -- --template=other
show $WINNOW --json config show --command prompt --config a.yaml
WINNOW_TEMPLATE=x show $WINNOW --store flag.db config show --command prompt
show $WINNOW config schema --command prompt
printf 'templete: x\n' > b.yaml
show $WINNOW config show --command prompt --config b.yaml
printf '\nlanguage: c\n' > c.yaml
show $WINNOW config show --command prompt --config c.yaml
printf 'template: [\n' > d.yaml
show $WINNOW config show --command prompt --config d.yaml
show $WINNOW config show --command prompt --config none.yaml
show $WINNOW config show --command promt
show $WINNOW config frob
