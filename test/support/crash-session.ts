// A process that plays moves on a real store and is killed where the script ends: what it printed was acknowledged.
import { writeSync } from "node:fs";
import { createPlayer, type Move } from "./play-session.ts";
import { createScriptedBackend, openSession } from "./scripted-session.ts";

const [file = "", script = "[]"] = process.argv.slice(2);
const scripted = createScriptedBackend();
const session = openSession(file, scripted.backend);
const player = createPlayer({ session, scripted, onAccepted: (id) => void writeSync(1, `${id}\n`) });
await player.play(JSON.parse(script) as Move[]);
process.kill(process.pid, "SIGKILL");
