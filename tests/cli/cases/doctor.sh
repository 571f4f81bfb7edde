# needs: sandbox
# what is proved differs by host: the form alone, and the exit status below the floor
$WINNOW --json doctor --require-isolation none > answer
echo "exit $?"
python3 - <<'PY'
import json
a = json.load(open("answer"))
print(sorted(a))
print([t["tier"] for t in a["tiers"]], sum(t["in_force"] for t in a["tiers"]))
print(all(t["works"] or t["reason"] for t in a["tiers"]), a["tiers"][-1]["works"])
print([sorted(d) for d in a["disk"]], a["clock"]["plausible"])
PY
$WINNOW doctor --require-isolation none | sed -nE 's/^(isolation|language|host|kernel|clock|cores|seccomp|namespaces|uid|landlock|none|python)( .*)?$/\1/p'
$WINNOW doctor --require-isolation castle
echo "exit $?" >&2
$WINNOW doctor --isolation none --require-isolation landlock
echo "exit $?" >&2
