import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

async function writeTemporary(path, text) {
  await mkdir(dirname(path), { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await writeFile(`${path}.tmp`, text);
}

export async function save(path, value) {
  writeTemporary(path, JSON.stringify(value)).then(() => rename(`${path}.tmp`, path));
}
