import { readFile } from "node:fs";

/** Calls back with (error) or (null, value); without a callback it returns a promise. */
export function load(path, callback) {
  if (callback === undefined)
    return new Promise((resolve, reject) =>
      load(path, (error, value) => (error ? reject(error) : resolve(value))),
    );
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
