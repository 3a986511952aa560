/** Resolves with the next value of an event, or rejects after `ms`. */
export function once(emitter, name, ms) {
  return new Promise((resolve, reject) => {
    emitter.on(name, resolve);
    setTimeout(() => reject(new Error("timeout")), ms);
  });
}
