/** Helper of sources that read one text in order. */
import { UserError } from "../../base/user_error.ts";
import type { SourceInput } from "../source.ts";
import type { Text } from "../text.ts";

/** The one text of a source. @throws {UserError} `config` when several are mixed. */
export function onlyText({ texts }: SourceInput): Text {
  const [text, ...more] = texts;
  if (text !== undefined && more.length === 0) return text;
  throw new UserError(
    "config",
    `Cannot read lanes: need one text, for a lane goes on where it stopped: ${texts.length}`,
  );
}
