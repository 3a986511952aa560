/** Resolves with the next value of an event, or rejects after `ms`. */
export function once(emitter, name, ms) {
  return new Promise((resolve, reject) => {
    const listener = (value) => {
      clearTimeout(timer);
      resolve(value);
    };
    const timer = setTimeout(() => {
      emitter.off(name, listener);
      reject(new Error("timeout"));
    }, ms);
    emitter.once(name, listener);
  });
}
