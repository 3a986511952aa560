import { expect, test } from "vitest";
import { resolvePaths } from "../../src/protocol/paths.ts";

const machine = { env: {}, platform: "linux", homeDir: "/home/ann", tempDir: "/tmp", uid: 1000 };

test("everything is below HEARTH_HOME, or where XDG says, or where it says by default", () => {
  const at = (env: Record<string, string>) => {
    const { configFile, database, log, socket, daemonFile } = resolvePaths({ ...machine, env });
    return [configFile, database, log, socket, daemonFile];
  };
  expect(at({ HEARTH_HOME: "/h", XDG_DATA_HOME: "/data" })).toEqual([
    "/h/config/hearth.jsonc",
    "/h/data/hearth.db",
    "/h/state/daemon.log",
    "/h/run/daemon.sock",
    "/h/run/daemon.json",
  ]);
  const xdg = { XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r" };
  expect(at(xdg)).toEqual([
    "/c/hearth/hearth.jsonc",
    "/d/hearth/hearth.db",
    "/s/hearth/daemon.log",
    "/r/hearth/daemon.sock",
    "/r/hearth/daemon.json",
  ]);
  // A relative path there is no path, says the XDG specification.
  expect(at({ XDG_CONFIG_HOME: "c", XDG_RUNTIME_DIR: "/r" }).slice(0, 3)).toEqual([
    "/home/ann/.config/hearth/hearth.jsonc",
    "/home/ann/.local/share/hearth/hearth.db",
    "/home/ann/.local/state/hearth/daemon.log",
  ]);
});

test("without a runtime folder there is one of the user's own for each store", () => {
  const runDir = (homeDir: string, env = {}) => resolvePaths({ ...machine, homeDir, env }).runDir;
  expect(runDir("/home/ann")).toMatch(/^\/tmp\/hearth-1000-[0-9a-f]{8}$/);
  expect(runDir("/home/ann")).toBe(runDir("/elsewhere", { XDG_DATA_HOME: "/home/ann/.local/share" }));
  expect(runDir("/home/bob")).not.toBe(runDir("/home/ann"));
});

test("a socket path that the system would not take is a short one, the same for everybody who asks", () => {
  const deep = (bytes: number, platform = "linux") =>
    resolvePaths({ ...machine, platform, env: { HEARTH_HOME: `/${"x".repeat(bytes - 17)}` } }).socket;
  expect(Buffer.byteLength(deep(107))).toBe(107);
  expect(deep(108)).toMatch(/^\/tmp\/hearth-1000\/[0-9a-f]{16}\.sock$/);
  expect(deep(108)).toBe(deep(108));
  expect(deep(104, "darwin")).not.toBe(deep(104));
});
