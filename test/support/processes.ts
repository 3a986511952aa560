import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export type Found = { pid: number; parent: number; startTime: string; state: string; command: string };

/** Every process of the machine; Linux only, elsewhere none. */
export function listProcesses(): Found[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names.filter((name) => /^\d+$/.test(name)).flatMap((name) => readProcess(Number(name)) ?? []);
}

export function readProcess(pid: number): Found | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, state: fields[0] ?? "", parent: Number(fields[1]), startTime: fields[19] ?? "", command };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** Whether the very process that was seen before still lives. */
export function isAlive(seen: Pick<Found, "pid" | "startTime">): boolean {
  const now = readProcess(seen.pid);
  return now !== undefined && now.startTime === seen.startTime && now.state !== "Z" && now.state !== "X";
}

/** All that descend from `pid`, itself not included. */
export function descendantsOf(pid: number): Found[] {
  const byParent = Map.groupBy(listProcesses(), (found) => found.parent);
  const found: Found[] = [];
  const walk = (parent: number) => {
    for (const child of byParent.get(parent) ?? []) {
      found.push(child);
      walk(child.pid);
    }
  };
  walk(pid);
  return found;
}

/** Whoever has `text` in its environment or works below the directory `text`, zombies left out. */
export function processesOf(text: string): Found[] {
  return listProcesses().filter((found) => {
    if (found.pid === process.pid || found.state === "Z") return false;
    try {
      if (readFileSync(`/proc/${found.pid}/environ`).includes(text)) return true;
      return readlinkSync(`/proc/${found.pid}/cwd`).startsWith(text);
    } catch {
      return false; // it ended meanwhile, or is another user's
    }
  });
}

/** Signals exactly the process that was seen, and not another that has got its pid since. */
export function signal(seen: Pick<Found, "pid" | "startTime">, name: NodeJS.Signals): void {
  if (!isAlive(seen)) return;
  try {
    process.kill(seen.pid, name);
  } catch {
    // it ended in this very moment
  }
}
