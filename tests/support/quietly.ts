/** Commands that run inside a test print nothing. */

/** Runs `work` with a silent console; gives its result. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { log, error } = console;
  Object.assign(console, { log: () => {}, error: () => {} });
  try {
    return await work();
  } finally {
    Object.assign(console, { log, error });
  }
}
