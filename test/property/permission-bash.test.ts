// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the shell's own syntax
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Policy } from "../../src/agent/permission/judge.ts";
import { judge } from "../support/permission.ts";

/**
 * What is let go is put to the test by bash itself: lines made of the shell's own pitfalls are judged, those that
 * would run unasked are run, and none of them may start the one program there is or write beside the workspace.
 */

const base = mkdtempSync(join(tmpdir(), "hearth-bash-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const bin = join(base, "bin");
const home = join(base, "home");
const root = join(home, "ws");
const fired = join(base, "fired");

function reset() {
  rmSync(home, { recursive: true, force: true });
  for (const path of [fired, join(base, "o")]) rmSync(path, { force: true });
  mkdirSync(join(root, "x"), { recursive: true });
  mkdirSync(join(root, "p"));
  writeFileSync(join(root, "o"), "echo\n");
  for (const file of [join(bin, "evil"), join(root, "p", "ls")]) {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n: > ${fired}\n`);
    chmodSync(file, 0o755);
  }
}

const tame = fc.constantFrom(
  ..."echo|:|true|false|ls|pwd|cd x|cd|exit|return|x=1|x=evil|y=evil|q=1|n=|z=il|w='$(evil)'|q='a[$(evil)]'|a=(evil)|x+=l|echo $x|cat o|read x|set -- a|set -- evil|unset n|printf %s|test -n evil|[ evil ]|[[ a == b ]]|[[ $q -eq 1 ]]|export CI=1|f|type evil|command -v evil|((q))|echo $((q))|echo ${a[q]}|shift|jobs".split(
    "|",
  ),
);
const wild = fc.constantFrom(
  ..."evil|ev''il|e\"vi\"l|\\evil|$'\\x65vil'|{evil,a}|$x|${x}|ev$z|evi?|ev\\\nil|`echo evil`|$(echo evil)|${x:-evil}|${n:-evil}|command evil|builtin eval evil|exec evil|eval evil|eval \"$x\"|eval 'evil'|\"$@\"|$1|${a[0]}|${!r}|2>&1 evil|>o evil|a=1 evil|<(evil) :|coproc evil|time evil|! evil|./p/ls|${x@P}|${w@P}|trap evil EXIT|source o|for PATH in p; do ls; done|read PATH <<<p|printf -v PATH p|PATH=p|export PATH=p|PATH=p ls|hash -p ./p/ls ls|ls() { evil; }|declare -n m=PATH|m=p|declare -i i='a[$(evil)]'|read 'a[$(evil)]' <<<x|jobs -x evil|cd ..|cd -|HOME=..|BASH_ENV=o|set -a|alias ls=evil|shopt -s expand_aliases".split(
    "|",
  ),
);
const argument = fc.constantFrom(
  ..."a|-n|\"a b\"|'c d'|1|$x|\"$x\"|.|o|> /dev/null|2>&1|< o|\"it's\"|$((1+1))|${x:-a}|# hi|<<<hi|'$(evil)'|\\$(evil)|a#b|\"a\\\"; evil\"|'a'\\''; evil'|\"'\" evil|'\"' evil|$'a\\'; evil'|${n:-'}'evil}".split(
    "|",
  ),
  "<<E\nhi $x\nE\n",
  "<<'E'\n$(evil)\nE\n",
  "<<\\E\n$(evil)\nE\n",
);
const trap = fc.constantFrom(
  ...'$(evil)|`evil`|"$(evil)"|${n:=$(evil)}|$((1+$(evil)))|$[1+$(evil)]|<(evil)|>(evil)|{a,$(evil)}|${x//a/$(evil)}|<<<$(evil)|x;evil|x&evil|!(evil)|@(evil)|>../o|>>../o|>|../o|&>../o|>&../o|>~/o|>$HOME/o|<>../o|{fd}>../o|>../{o,p}|> ../o|"`evil`"|"\\`evil\\`"|`echo \\$(evil)`|$(: # )\nevil)|${ evil; }|"${n:-\'}\'$(evil)}"|$((1#$(evil)))|$( (evil) )|$((echo a); evil)|\r|\\\r\nevil|\u00a0evil|"|\'|`|$(|)|{|}|\\'.split(
    "|",
  ),
  "<<E\n$(evil)\nE\n",
  "<<-E\n\t`evil`\n\tE\n",
  "<<E\nx\nE\nevil\n",
);
const separator = fc.constantFrom(";", " && ", " || ", "|", "|&", "&", "\n", " ", "\\\n", " ; ", "\t");

const mostly = <T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>, weight: number) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: seldom });

const { line } = fc.letrec<{ line: string; command: string }>((tie) => ({
  command: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    {
      weight: 5,
      arbitrary: fc
        .tuple(mostly(tame, wild, 4), fc.array(mostly(argument, trap, 5), { maxLength: 2 }))
        .map(([name, args]) => [name, ...args].join(" ")),
    },
    { weight: 1, arbitrary: tie("line").map((inner) => `{ ${inner}\n}`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `(${inner}\n)`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `f() { ${inner}\n}; f a`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `if ${inner}\nthen ${inner}\nfi`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `for x in a evil; do ${inner}\ndone`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `eval '${inner.replaceAll("'", "'\\''")}'`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `echo "$(${inner}\n)"`) },
    { weight: 1, arbitrary: tie("line").map((inner) => `cat <<E\n$(${inner}\n)\nE\n`) },
  ),
  line: fc
    .tuple(tie("command"), fc.array(fc.tuple(separator, tie("command")), { maxLength: 2 }))
    .map(([first, rest]) => first + rest.map((pair) => pair.join("")).join("")),
}));

const policy: Policy = {
  mode: "accept_edits",
  rules: { allow: [], ask: [], deny: [] },
  grants: { session: [], always: [] },
  root,
  home,
  protectedPaths: [],
};
const goesUnasked = (command: string): boolean =>
  judge(
    {
      tool_call_id: "call_1",
      tool: "bash",
      kind: "execute",
      title: command,
      subject: { type: "command", command, cwd: root },
    },
    policy,
  ).decision === "allow";

/** Ends by itself, or after two seconds with all that it started. */
async function run(command: string) {
  const child = spawn("/bin/bash", ["-c", command], {
    cwd: root,
    env: { PATH: bin, HOME: home },
    stdio: "ignore",
    detached: true,
  });
  const end = () => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  };
  const timer = setTimeout(end, 2_000);
  await once(child, "exit");
  clearTimeout(timer);
  end();
}

test("bash starts nothing and writes nothing outside for a line that goes unasked", async () => {
  reset();
  await run("evil");
  expect(existsSync(fired)).toBe(true);

  // The same lines each time; another seed is worth a try when the judging changes.
  const lines = fc.sample(line, { numRuns: 3_000, seed: 20_261 });
  const unasked = [...new Set(lines.filter(goesUnasked))].slice(0, 150);
  expect(unasked.length).toBeGreaterThan(100);
  for (const command of unasked) {
    reset();
    await run(command);
    expect({ command, started: existsSync(fired) }).toEqual({ command, started: false });
    const beside = [join(home, "o"), join(home, "p"), join(base, "o")].filter((path) => existsSync(path));
    expect({ command, beside }).toEqual({ command, beside: [] });
  }
});
