/** Runs asynchronous tasks one at a time, in call order. */

/** Runs a task after all earlier ones have settled. */
export type SerialQueue = <T>(task: () => Promise<T>) => Promise<T>;

/** A new, empty queue of tasks. */
export function serialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const mine = last.then(task);
    last = mine.catch(() => {}); // the caller gets the error; later tasks only wait for the end
    return mine;
  };
}
