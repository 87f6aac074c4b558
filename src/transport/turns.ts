/** Lets asynchronous tasks run one after the other, in the order of the calls. */

/** Runs a task once all tasks given before it have ended, well or not. */
export type TurnTaker = <T>(task: () => Promise<T>) => Promise<T>;

/** A new, empty queue of tasks. */
export function turns(): TurnTaker {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const mine = last.then(task);
    last = mine.catch(() => {}); // the caller sees the error; those who wait only need the end
    return mine;
  };
}
