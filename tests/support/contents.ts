/** Everything in a folder, to compare what it was with what it is. */
import { createHash } from "node:crypto";

/**
 * What lies below a folder by path: size and SHA-256 of files, where links lead, "" for folders. Links
 * are not followed.
 */
export function contentsOf(folder: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory, isFile, isSymlink } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    found[below + name] = "";
    if (isDirectory) Object.assign(found, contentsOf(path, `${below}${name}/`));
    if (isFile) found[below + name] = digestOf(Deno.readFileSync(path));
    if (isSymlink) found[below + name] = `-> ${Deno.readLinkSync(path)}`;
  }
  return found;
}

function digestOf(bytes: Uint8Array): string {
  return `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;
}
