/** The entry of a table under a name that a user wrote; undefined for names of its prototype too. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
