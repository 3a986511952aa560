// Loaded into the daemon that is measured (`--import`): on SIGUSR2 it writes the longest turn of its event loop since
// it was last asked, and begins anew. A timer of 1 ms is called once a turn, so what lies between two calls is one.
import { writeFileSync } from "node:fs";

const file = process.env["BENCH_LOOP_DELAY_FILE"];
let last = performance.now();
let used = cpuMs();
let longest = { wallMs: 0, cpuMs: 0 };
let asked = 0;

/** Of this thread alone: what the machine does for others meanwhile does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

const timer = setInterval(() => {
  const now = performance.now();
  const cpu = cpuMs();
  longest = { wallMs: Math.max(longest.wallMs, now - last), cpuMs: Math.max(longest.cpuMs, cpu - used) };
  last = now;
  used = cpu;
}, 1);
timer.unref();

process.on("SIGUSR2", () => {
  // The signal may be told before the timer has seen the turn that held it up.
  setTimeout(() => {
    if (file !== undefined)
      writeFileSync(file, `${++asked} ${longest.wallMs.toFixed(1)} ${longest.cpuMs.toFixed(1)}`);
    longest = { wallMs: 0, cpuMs: 0 };
  }, 5);
});
