export function debounce(work, ms) {
  let timer;
  let waiting;
  const run = () => {
    const args = waiting;
    clearTimeout(timer);
    waiting = undefined;
    return args === undefined ? undefined : work(...args);
  };
  const later = (...args) => {
    waiting = args;
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
  later.cancel = () => {
    clearTimeout(timer);
    waiting = undefined;
  };
  later.flush = run;
  return later;
}
