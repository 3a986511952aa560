// What a build is made of, as one hash: setup.mjs compares it to know whether dist is current, and client
// and daemon compare it (as BUILD) to know whether they are the same hearth.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCES = ["src", "migrations", "schema.sql", "build.mjs", "package.json", "package-lock.json"];

/** Twelve hex digits over the paths and contents of everything that is built. */
export function buildId(root) {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap((name) => filesUnder(root, name))) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 12);
}

function filesUnder(root, path) {
  let entries;
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    if (error.code === "ENOENT") return []; // not every hearth has migrations
    throw error;
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? filesUnder(root, `${path}/${entry.name}`) : [`${path}/${entry.name}`],
    );
}
