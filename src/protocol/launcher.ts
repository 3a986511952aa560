import { z } from "zod";
import { githubActions } from "./github-actions.ts";

const template = z.string().regex(/\S/, "must say what to run");

/** How a task is carried to an engine that runs it: shell templates, run by `sh`. See docs/engines.md. */
export const Launcher = z.object({
  submit: template.describe(
    "Hands $HEARTH_TASK_DIR to the engine, where run.sh leaves result/; its last line is HEARTH_JOB for the others",
  ),
  wait: template.describe("Ends when the job has ended, however it did"),
  logs: template.optional().describe("Prints what the job has said"),
  fetch: template.describe("Fills $HEARTH_RESULT_DIR with what run.sh left in result/"),
  cancel: template.optional().describe("Ends the job"),
  env: z
    .array(z.string())
    .optional()
    .describe("Variables, keys among them, that these commands get from your terminal's environment"),
});
export type Launcher = z.infer<typeof Launcher>;

const JOB_NAME = '"hearth-$HEARTH_TASK"';

const slurm: Launcher = {
  submit: `job=$(sbatch --parsable --job-name=${JOB_NAME} --chdir="$HEARTH_TASK_DIR" --output="$HEARTH_TASK_DIR/job.log" "$HEARTH_TASK_DIR/run.sh") &&
echo "\${job%%;*}"`,
  // A controller may be away for hours: every two minutes it is told, which is often enough to count as an answer.
  wait: `away=0
while :; do
  if out=$(squeue --noheader --jobs="$HEARTH_JOB" --format=%T 2>&1); then away=0; [ -n "$out" ] || break
  else
    case $out in *"Invalid job id"*) break;; esac
    away=$((away + 1)); [ "$away" -lt 24 ] || { echo "$out" >&2; exit 1; }
  fi
  sleep 5
done`,
  logs: `cat "$HEARTH_TASK_DIR/job.log"`,
  fetch: `cp -R "$HEARTH_TASK_DIR/result/." "$HEARTH_RESULT_DIR/"`,
  cancel: `scancel "$HEARTH_JOB"`,
};

/** Nobody is there to be asked, and a dead connection must be noticed. */
const SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 --";

/** The host is checked by its form, so that it stands in a command as it is. */
const ssh = (host: string): Launcher => ({
  submit: `tar -C "$HEARTH_TASK_DIR" -czf - . | ${SSH} ${host} 'set -e; cd
d=.cache/hearth-tasks/'"$HEARTH_TASK"'
mkdir -p "$d"; tar -xzf - -C "$d"; cd "$d"
setsid nohup "\${SHELL:-sh}" -lc "sh run.sh" >job.log 2>&1 </dev/null & echo "$!" >pid
echo "$d"'`,
  wait: `${SSH} ${host} 'cd; while [ ! -f '"$HEARTH_JOB"'/result/exit_code ] && kill -0 "$(cat '"$HEARTH_JOB"'/pid)" 2>/dev/null; do sleep 2; done'`,
  logs: `${SSH} ${host} 'cd; cat '"$HEARTH_JOB"'/job.log'`,
  fetch: `${SSH} ${host} 'cd; tar -C '"$HEARTH_JOB"'/result -czf - .' >"$HEARTH_TASK_DIR/result.tgz" || exit
tar -C "$HEARTH_RESULT_DIR" -xzf "$HEARTH_TASK_DIR/result.tgz" || exit
${SSH} ${host} 'cd; rm -rf '"$HEARTH_JOB" || :`,
  cancel: `${SSH} ${host} 'cd; p=$(cat '"$HEARTH_JOB"'/pid) && { kill -- -"$p" 2>/dev/null || kill "$p"; }; rm -rf '"$HEARTH_JOB"`,
});

/** A Job whose pod waits for the task's files, runs it, and stays until the result was fetched. */
export const kubernetesManifest = (name: string, image = "hearth:latest"): string => `apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  labels: { app.kubernetes.io/name: hearth }
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 86400
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      labels: { app.kubernetes.io/name: hearth, hearth/task: ${name} }
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      containers:
        - name: task
          image: ${image}
          command: ["sh", "-c"]
          args:
            - |
              until [ -f /task/ready ]; do sleep 1; done
              sh /task/run.sh
              until [ -f /task/fetched ]; do sleep 1; done
          envFrom:
            - secretRef: { name: hearth-keys, optional: true }
          resources:
            requests: { cpu: "1", memory: 2Gi }
          volumeMounts:
            - { name: task, mountPath: /task }
      volumes:
        - { name: task, emptyDir: {} }
`;

const POD = `pod=$(kubectl get pod -l hearth/task="$HEARTH_JOB" -o jsonpath='{.items[0].metadata.name}')`;
const kubernetes: Launcher = {
  submit: `HEARTH_JOB="hearth-$HEARTH_TASK" HEARTH_IMAGE="\${HEARTH_IMAGE:-hearth:latest}"
kubectl create -f - >&2 <<HEARTH_MANIFEST
${kubernetesManifest("$HEARTH_JOB", "$HEARTH_IMAGE")}HEARTH_MANIFEST
[ $? -eq 0 ] && echo "$HEARTH_JOB"`,
  // The files follow once the cluster has given the job a place, which may take long.
  wait: `set -e
kubectl wait --for=condition=Ready pod -l hearth/task="$HEARTH_JOB" --timeout=24h
${POD}
if ! kubectl exec "$pod" -- test -f /task/ready; then
  kubectl cp "$HEARTH_TASK_DIR/." "$pod":/task
  kubectl exec "$pod" -- touch /task/ready
fi
set +e
until kubectl exec "$pod" -- test -f /task/result/exit_code 2>/dev/null; do
  phase=$(kubectl get pod "$pod" --ignore-not-found -o jsonpath='{.status.phase}') || exit
  case $phase in Failed|Succeeded|"") exit 0;; esac
  sleep 5
done`,
  logs: `kubectl logs "job/$HEARTH_JOB"`,
  fetch: `set -e; ${POD}
kubectl cp "$pod":/task/result "$HEARTH_RESULT_DIR"
kubectl exec "$pod" -- touch /task/fetched`,
  cancel: `kubectl delete job "$HEARTH_JOB" --wait=false`,
};

/** What stands before `:` of an engine that needs no configuration. */
export const builtinEngines = ["ssh:HOST", "slurm", "kubernetes", "github-actions"] as const;

/** The launcher of an engine by name: one of the configuration, or a built-in one. */
export function launcherOf(
  name: string,
  configured: Readonly<Record<string, Launcher>> | undefined,
): Launcher | undefined {
  const own = configured !== undefined && Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (own !== undefined) return own;
  if (name === "slurm") return slurm;
  if (name === "kubernetes") return kubernetes;
  if (name === "github-actions") return githubActions;
  const host = /^ssh:((?:\w[\w.-]*@)?[A-Za-z0-9][\w.-]*)$/.exec(name)?.[1];
  return host === undefined ? undefined : ssh(host);
}

/** A word for the shell, as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What the job runs, in a folder that also has `files.tgz` and `prompt.txt`. It leaves `result/`. */
export function runScript(task: { agent: string; model: string | null; maxSteps: number | null }): string {
  const options = [
    ["--agent", task.agent],
    ...(task.model === null ? [] : [["--model", task.model]]),
    ...(task.maxSteps === null ? [] : [["--max-steps", String(task.maxSteps)]]),
  ];
  return `#!/bin/sh
# Runs one task of hearth's and leaves result/: run.json, changes.patch, trajectory.json, log.txt, exit_code.
# An engine may run a copy of this file from elsewhere (Slurm does): then the current folder is the task's, or it is named.
for here in "$(dirname "$0")" . "$HEARTH_TASK_DIR"; do [ -f "$here/files.tgz" ] && break; done
cd "$here" || exit 1
here=$PWD
rm -rf work result
mkdir -p work result
finish() { echo "$1" >"$here/result/exit_code"; exit 0; }
{
  tar -xzf files.tgz -C work && cd work &&
  git init -q . && git config core.autocrlf false && git config user.name hearth &&
  git config user.email hearth@localhost && git add -A -f &&
  git commit -q --no-verify --allow-empty -m base && base=$(git rev-parse HEAD)
} >"$here/result/log.txt" 2>&1 || finish 1
\${HEARTH_COMMAND:-hearth} run --disposable --format json --trajectory "$here/result/trajectory.json" \\
  ${options.map(([name, value]) => `${name} ${quoted(value ?? "")}`).join(" ")} - \\
  <"$here/prompt.txt" >"$here/result/run.json" 2>>"$here/result/log.txt"
code=$?
git add -A && git diff --cached --binary "$base" >"$here/result/changes.patch"
finish "$code"
`;
}

/** The agent of a run that an engine carries out, as people see it. */
export const agentOnEngine = (agent: string, engine: string): string => `${agent} on ${engine}`;

/** The reverse; undefined for an agent of this machine. */
export function partsOfAgentOnEngine(name: string): { agent: string; engine: string } | undefined {
  const at = name.lastIndexOf(" on ");
  return at <= 0 ? undefined : { agent: name.slice(0, at), engine: name.slice(at + " on ".length) };
}
