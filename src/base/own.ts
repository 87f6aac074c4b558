/**
 * The own entry of a table under a user-given name; undefined also for prototype names
 * ("toString").
 */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
