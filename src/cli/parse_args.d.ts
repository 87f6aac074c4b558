/** Declaration of what the command line uses of @std/cli/parse-args; npm ships none. */
export interface ParseOptions {
  boolean?: readonly string[];
  /** `_`: positionals are texts, numbers too. */
  string?: readonly string[];
  alias?: Readonly<Record<string, string>>;
  /** Sees each flag without a declaration, and each positional (no key); false drops it. */
  unknown(arg: string, key?: string, value?: string | boolean): boolean;
}
export function parseArgs(
  args: readonly string[],
  options: ParseOptions,
): {
  readonly _: readonly (string | number)[];
  readonly help: boolean;
  readonly testing: boolean;
  readonly "print-config"?: boolean;
  readonly "follow-links"?: boolean;
};
