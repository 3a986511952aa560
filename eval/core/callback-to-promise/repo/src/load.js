import { readFile } from "node:fs";

/** Calls back with (error) or (null, value). */
export function load(path, callback) {
  readFile(path, "utf8", (error, text) => {
    if (error) return callback(error);
    let value;
    try {
      value = JSON.parse(text);
    } catch (broken) {
      return callback(broken);
    }
    callback(null, value);
  });
}
