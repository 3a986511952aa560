// Draws docs/pictures/*.svg: `npm run pictures [-- NAME …]`. The built hearth plays each scene in pseudo-terminals with
// a home, a small project and a scripted model of its own, and what an emulator shows at the end is the picture.
import { readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cell } from "../../test/support/emulator.ts";
import { createHome, type Home, localConfig } from "../../test/support/home.ts";
import { type ModelServer, say, startModelServer } from "../../test/support/model-server.ts";
import { descendantsOf, processesOf, signal } from "../../test/support/processes.ts";
import { openPty, type Pty } from "../../test/support/pty.ts";
import { drawSvg } from "./svg.ts";

type Scene = {
  name: string;
  title: string;
  /** Without a model provider the built-in demo answers. */
  isDemo?: boolean;
  mode?: "ask" | "accept_edits" | "yolo";
  columns: number;
  rows: number;
  /** Plays, and returns the terminals of the picture. */
  play(stage: Stage): Promise<Pty[]>;
};

type Stage = { model: ModelServer; open(): Promise<Pty> };

const files = {
  "README.md": "# shop\n\nA small web shop: a cart, a clock, and the tests of both.\n",
  "package.json": `{ "name": "shop", "type": "module", "scripts": { "test": "node --test" } }\n`,
  "src/cart.js": `import { now } from "./clock.js";

export function createCart(discount = 0) {
  const items = [];
  return {
    add: (item) => items.push({ ...item, at: now() }),
    total() {
      const sum = items.reduce((all, item) => all + item.price, 0);
      return sum - sum * discount - sum * discount;
    },
  };
}
`,
  "src/clock.js": "export const now = () => Date.now();\n",
  "src/cart.test.js": `import test from "node:test";\nimport { createCart } from "./cart.js";\n\ntest("applies a discount once", () => {});\n`,
};

const readCart = { call: "read", input: { path: "src/cart.js" } };
const edit = {
  call: "edit",
  input: {
    path: "src/cart.js",
    old_string: "      return sum - sum * discount - sum * discount;",
    new_string: "      return Math.round(sum * (1 - discount));",
  },
};
const isIdle = (text: string) => !text.includes("Working");
const isConnected = (text: string) => /\? keys/.test(text);

const scenes: Scene[] = [
  {
    name: "first-run",
    title: "The first run without a key: the built-in demo answers, with real tools on the folder",
    isDemo: true,
    columns: 96,
    rows: 34,
    async play({ open }) {
      const pty = await open();
      pty.type("what is in this folder?\r");
      await pty.until((text) => text.includes("For real work") && isIdle(text), "the demo's answer");
      return [pty];
    },
  },
  {
    name: "turn",
    title: "A turn while it streams: tool calls, a diff, and the answer as it comes",
    mode: "accept_edits",
    columns: 96,
    rows: 34,
    async play({ model, open }) {
      const pty = await open();
      model.enqueue(
        say("I'll look at how the total is made.", readCart, {
          call: "grep",
          input: { pattern: "discount", path: "src" },
        }),
        say("The discount is taken off **twice**. I take it off once:", edit),
        say(
          "The total is right now. What has changed:\n\n",
          "- `total()` applies the discount **once**\n- it rounds to whole cents\n\n",
          'A test for it would be\n\n```js\ntest("applies a discount once", () => {\n  const cart = createCart(0.1);\n  cart.add({ price: 100 });\n',
          { stop: "hang" },
        ),
      );
      pty.type("the cart's discount is wrong, please fix it\r");
      await pty.until((text) => text.includes("price: 100"), "the answer");
      return [pty];
    },
  },
  {
    name: "two-terminals",
    title: "One question in two terminals: the first answer counts",
    columns: 96,
    rows: 24,
    async play({ model, open }) {
      const first = await open();
      model.enqueue(
        say("The fix is in; now I run the tests.", {
          call: "bash",
          input: { command: "npm test -- --test-name-pattern=discount", description: "Run the cart's tests" },
        }),
      );
      first.type("run the tests of the cart\r");
      await first.until((text) => text.includes("wants to run"), "the question");
      const second = await open();
      await second.until((text) => text.includes("wants to run"), "the question in the second terminal");
      await first.until((text) => text.includes("attached"), "word of the second terminal");
      second.type("careful with");
      await second.until((text) => text.includes("› careful with"), "a draft");
      return [first, second];
    },
  },
  {
    name: "edit-question",
    title: "A question about an edit shows the diff that would be written",
    columns: 96,
    rows: 24,
    async play({ model, open }) {
      const pty = await open();
      model.enqueue(
        say("I'll look at how the total is made.", readCart),
        say("The discount is taken off **twice**. I take it off once:", edit),
      );
      pty.type("the cart's discount is wrong, please fix it\r");
      await pty.until((text) => text.includes("wants to change"), "the question");
      return [pty];
    },
  },
  {
    name: "edit-command",
    title: "A command is changed before it is allowed",
    columns: 96,
    rows: 24,
    async play({ model, open }) {
      const pty = await open();
      const command = "npm install sinon --save-dev";
      model.enqueue(say("For the clock I need a library.", { call: "bash", input: { command } }));
      pty.type("make the clock testable\r");
      await pty.until((text) => text.includes("e edit command"), "the question");
      // Tab says that the next key is the question's, however lately something was typed.
      pty.type("x\x15\te");
      await pty.until((text) => text.includes("allow once as changed"), "the command");
      pty.type(" --save-exact\nnpm test");
      await pty.until((text) => text.includes("npm test"), "what was made of it");
      return [pty];
    },
  },
  {
    name: "files",
    title: "A queue behind the running turn, and files behind @",
    columns: 96,
    rows: 24,
    async play({ model, open }) {
      const pty = await open();
      model.enqueue(say("I read the cart first.", readCart), say("Now the clock:", { stop: "hang" }));
      pty.type("tidy up the cart\r");
      await pty.until((text) => text.includes("Now the clock"), "the stream");
      pty.type("!npm test\r");
      await pty.until((text) => text.includes("!npm test") && text.includes("queue"), "the queue");
      pty.type("and look at @cart");
      await pty.until((text) => text.includes("src/cart.test.js"), "the files");
      return [pty];
    },
  },
  {
    name: "help",
    title: "Every key and command",
    columns: 96,
    rows: 30,
    async play({ open }) {
      const pty = await open();
      pty.type("?");
      await pty.until((text) => text.includes("Keys and commands") && pty.emulator.isAlternate, "the help");
      return [pty];
    },
  },
  {
    name: "canceled",
    title: "A canceled turn: what was queued is held until Enter sends it on",
    columns: 96,
    rows: 26,
    async play({ model, open }) {
      const pty = await open();
      model.enqueue(
        say("I read the cart first.", readCart),
        say("I would now rewrite the whole cart as a class with", { stop: "hang" }),
      );
      pty.type("tidy up the cart\r");
      await pty.until((text) => text.includes("as a class with"), "the stream");
      for (const [index, prompt] of ["update the changelog", "then run the tests"].entries()) {
        pty.type(`${prompt}\r`);
        await pty.until((text) => text.includes(prompt) && text.includes("queue"), `${index} in the queue`);
      }
      pty.type("\x1b");
      await pty.until((text) => text.includes("held") && isIdle(text), "the held queue");
      return [pty];
    },
  },
  {
    name: "session-picker",
    title: "The session picker: search, fork, rename, archive and delete",
    columns: 96,
    rows: 20,
    async play({ model, open }) {
      const pty = await open();
      const prompts = ["find out why the cart test is flaky", "upgrade the build", "explain the clock"];
      for (const [index, prompt] of prompts.entries()) {
        const answer = `This is the answer ${index}.`;
        model.enqueue(say(`${answer}\n`));
        if (index > 0) {
          pty.type("/new\r");
          await pty.until((text) => text.includes("new session"), "a new session");
        }
        pty.type(`${prompt}\r`);
        await pty.until((text) => text.includes(answer) && isIdle(text), answer);
      }
      pty.type("/sessions\r");
      await pty.until(
        (text) => prompts.every((prompt) => text.includes(prompt)) && pty.emulator.isAlternate,
        "the picker",
      );
      return [pty];
    },
  },
];

async function draw(scene: Scene): Promise<void> {
  const home = createHome();
  const base = dirname(home.dir);
  const shop = home.folder("shop");
  for (const [path, text] of Object.entries(files)) home.write(join("..", "shop", path), text);
  const model = await startModelServer();
  if (!scene.isDemo)
    home.config({ ...localConfig(model.baseUrl), permissions: { mode: scene.mode ?? "ask" } });
  const ptys: Pty[] = [];
  // The home folder is the one above the project, so that no path of this machine is in the picture.
  const placed: Home = { ...home, env: { ...home.env, HOME: base } };
  const open = async () => {
    const pty = openPty(placed, { columns: scene.columns, rows: scene.rows, cwd: shop });
    ptys.push(pty);
    await pty.until(isConnected, "a terminal that is connected");
    return pty;
  };
  try {
    const shown = await scene.play({ model, open });
    await Promise.all(shown.map(settled));
    const names = ptys.map(({ pid }) => readlinkSync(`/proc/${pid}/fd/0`).slice("/dev/".length));
    const shots = shown.map(({ emulator }) => ({
      rows: emulator.cells().map((row) => sameInEveryRun(row, base, names)),
      columns: scene.columns,
      cursor: emulator.isAlternate ? undefined : emulator.cursor(),
    }));
    writeFileSync(join(import.meta.dirname, `${scene.name}.svg`), drawSvg(shots, scene.title));
  } finally {
    const left = processesOf(base);
    const all = [...left, ...left.flatMap((found) => descendantsOf(found.pid))];
    for (const found of all) signal(found, "SIGKILL");
    await Promise.all(ptys.map((pty) => pty.exited));
    await model.close();
    home.remove();
  }
}

/** Resolves when nothing has been drawn for a while; a clock that ticks once a second does not count. */
async function settled(pty: Pty): Promise<void> {
  for (let waited = 0; waited < 3000; waited += 100) {
    if (performance.now() - pty.lastOutputAt > 400) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What folders, terminals and clocks are called differs in every run, and is not what the picture is of. */
function sameInEveryRun(row: readonly Cell[], base: string, terminals: readonly string[]): Cell[] {
  const isPlain = (cell: Cell | undefined) => cell?.text.length === 1;
  const text = row.map((cell) => (isPlain(cell) ? cell.text : "\0")).join("");
  const changed = text
    .replace(/\/\S+/g, (path) => path.replace(base, "/home/ada").padEnd(path.length))
    .replace(/\bpts\/\d+/g, (name) => `pts/${terminals.indexOf(name) + 1}`.padEnd(name.length))
    .replace(/\b0:\d\d\b/g, "0:04");
  return row.map((cell, index) => (isPlain(cell) ? { ...cell, text: changed[index] ?? " " } : cell));
}

const wanted = process.argv.slice(2);
for (const scene of scenes) {
  if (wanted.length > 0 && !wanted.includes(scene.name)) continue;
  await draw(scene);
  console.log(`docs/pictures/${scene.name}.svg`);
}
