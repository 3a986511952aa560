// Loaded into the daemon that is measured (`--import`): on SIGUSR2 it writes how long the longest turn of its event
// loop took since it was last asked, and begins anew.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const file = process.env["BENCH_LOOP_DELAY_FILE"];
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let asked = 0;
process.on("SIGUSR2", () => {
  // The signal may be told before the histogram has seen the turn that held it up.
  setTimeout(() => {
    if (file !== undefined) writeFileSync(file, `${++asked} ${delay.max / 1e6}`);
    delay.reset();
  }, 5);
});
