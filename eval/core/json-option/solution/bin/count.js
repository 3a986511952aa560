import { readFileSync } from "node:fs";

const args = process.argv.slice(2);
const options = args.filter((arg) => arg.startsWith("-"));
const [file] = args.filter((arg) => !arg.startsWith("-"));
if (options.some((option) => option !== "--json") || file === undefined) {
  console.error("usage: count [--json] FILE");
  process.exit(2);
}
const text = readFileSync(file, "utf8");
const lines = text.split("\n").length - 1;
const words = text.split(/\s+/).filter(Boolean).length;
console.log(options.length > 0 ? JSON.stringify({ lines, words }) : `${lines} lines, ${words} words`);
