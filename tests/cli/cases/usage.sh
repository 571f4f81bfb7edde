# wrong usage: one line, exit 2, and a suggestion where one is near
say() { "$@"; echo "exit $?" >&2; }
say $WINNOW exprot
say $WINNOW frobnicate
say $WINNOW --frobnicate show runs
say $WINNOW show --frobnicate
say $WINNOW show --tsaks passk
say $WINNOW show
say $WINNOW show runs tasks more
say $WINNOW sql
say $WINNOW import
say $WINNOW doctor now
say $WINNOW --store
say $WINNOW -C
say $WINNOW -C nowhere show runs
say $WINNOW export --format
say $WINNOW export
say $WINNOW export --format=sftt --out=x
say $WINNOW export --format=sft
say $WINNOW export --format=sft --out=x --compress=rar
say $WINNOW export --format=sft --out=x --shards=0
say $WINNOW export --format=sft --out=x --shards=many
say $WINNOW export --format=sft --out=x --container=parquet
say $WINNOW export --format=sft --out=x --trainer=x
say $WINNOW bench --seconds=0
say $WINNOW help frobnicate
# what a policy is told is checked whatever the policy, and before the store is looked for
for o in --temperature=-1 --top-p=2 --max-tokens=0 --requests=0 --request-timeout=0 --retries=1001 --api=x --api-key-file=none; do
	say $WINNOW run --policy replay:none $o
done
