#!/usr/bin/env bash
# `locust --config FILE` adds a file to ~/.locust.conf, ./locust.conf and ./pyproject.toml and replaces none of them.
# So a program that runs Locust cannot keep the settings of the person out with `--config /dev/null`: it must change HOME
# and the working folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet locust==2.47.0
mkdir "$folder/home" "$folder/project" "$folder/empty"
echo "run-time = 7s" > "$folder/home/.locust.conf"
echo "tags = of-the-folder" > "$folder/project/locust.conf"
cat > "$folder/options.py" <<'PYTHON'
import locust


class Nothing(locust.User):
    pass


@locust.events.init.add_listener
def report(environment, **_):
    options = environment.parsed_options
    print(f"run_time={options.run_time} tags={options.tags}", flush=True)
    raise SystemExit(0)
PYTHON
options() {  # home, working folder
    (cd "$2" && HOME="$1" "$folder/venv/bin/locust" --config /dev/null -f "$folder/options.py" --headless -u 1 2>/dev/null) || true
}
with=$(options "$folder/home" "$folder/project")
without=$(options "$folder/empty" "$folder/empty")
"$folder/venv/bin/locust" --version | cut -d" " -f1-2
echo "With --config /dev/null Locust still reads the settings in the home and in the working folder."
echo "  files there:    $with"
echo "  no files there: $without"
[ "$with" = "run_time=7 tags=['of-the-folder']" ] && [ "$without" = "run_time=None tags=None" ] ||
    { echo "the behaviour has changed"; exit 1; }
