/** Validates the contents of a file against a schema. */
import { UserError } from "../base/user_error.ts";

/** The part of a zod schema used here. */
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

/** The parsed value. @throws {UserError} `data` with the file and the first fault. */
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
