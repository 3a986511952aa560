import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes programs that take what hearth's launchers give sbatch, squeue, scancel, kubectl and gh, and keep their state in
 * `folder`. A job really runs its run.sh: when it is asked after for the first time, unless the file `hold` is there.
 * `outage` has a line for each of the next calls that finds the engine away; nothing is held after the last one.
 * `bare` is the repository that GitHub has.
 */
export function writeScriptedEngines(folder: string, bare: string): void {
  const away = `if [ -s outage ]; then
  sed -i.before 1d outage; [ -s outage ] || rm -f hold
  echo 'the engine cannot be reached' >&2; exit 1
fi
`;
  const program = (name: string, text: string) =>
    writeFileSync(
      join(folder, name),
      `#!/bin/bash\ncd '${folder}'\necho "${name} $*" >>calls\n${away}${text}`,
      {
        mode: 0o755,
      },
    );
  // On a machine of the engine, which has a hearth of its own.
  const work = (at: string) => `(cd ${at} && HEARTH_COMMAND='${folder}/hearth' sh run.sh)`;
  program(
    "sbatch",
    `for arg; do case $arg in --chdir=*) ln -sfn "\${arg#--chdir=}" job-7;; esac; done
echo '7;cluster'`,
  );
  program(
    "squeue",
    `[ -f canceled ] && exit 0
[ -f hold ] && { echo RUNNING; exit 0; }
[ -f job-7/result/exit_code ] || ${work("job-7")}`,
  );
  program("scancel", "touch canceled");
  program(
    "kubectl",
    `pod=pod-dir; mkdir -p $pod
case "$1 $2" in
  "create -f") cat >manifest;;
  "wait "*) ;;
  "get pod") case "$*" in *phase*) [ -f canceled ] || echo Running;; *) echo the-pod;; esac;;
  "cp "*) case $3 in *:/task) cp -R "$2/." $pod;; *) cp -R $pod/result/. "$3";; esac;;
  "exec "*)
    [ -f hold ] || [ ! -f $pod/ready ] || [ -f $pod/result/exit_code ] || ${work("$pod")}
    case $4 in test) test -f "$pod/\${6#/task/}";; touch) touch "$pod/\${5#/task/}";; esac;;
  "delete job") touch canceled;;
  "logs "*) cat $pod/result/log.txt;;
esac`,
  );
  program(
    "gh",
    `case "$1 $2" in
  "workflow run") title=\${5#id=}; git clone -q --branch "hearth-task/$title" '${bare}' runs-41 && echo "$title" >title;;
  "run list") case "$*" in *"hearth $(cat title)"*) echo 41;; esac;;
  "run watch") while [ -f hold ] && [ ! -f canceled ]; do sleep 0.1; done
    [ -f canceled ] || [ -f runs-41/result/exit_code ] || ${work("runs-41")};;
  "run download") cp -R runs-41/result/. "$7";;
  "run cancel") touch canceled;;
  "run view") cat runs-41/result/log.txt;;
esac`,
  );
}
