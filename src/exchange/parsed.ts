/** What a file says, held against a schema. Knows the form of the error and nothing else. */
import { UserError } from "../base/user_error.ts";

/** A schema, as far as it is used here. */
interface Schema<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
      readonly success: false;
      readonly error: {
        readonly issues: readonly {
          readonly path: readonly PropertyKey[];
          readonly message: string;
        }[];
      };
    };
}

/** The value as the schema has it. @throws {UserError} `data` with the first fault and the file. */
export function parsed<T>(schema: Schema<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join(".");
  throw new UserError(
    "data",
    `Cannot import ${path}: ${place ? `${place}: ` : ""}${issue?.message}`,
  );
}
