/** Detects binary file formats by their first bytes, for error messages. Pure. */

/** Bytes from the start of a file that suffice for detection. */
export const FORMAT_BYTES = 1 << 16;

/** Magic numbers at the start of a file, as Latin-1. */
const SIGNATURES: readonly (readonly [signature: string, format: string])[] = [
  ["\x1f\x8b", "a gzip file; prepare unpacks one that is named .gz"],
  ["PK\x03\x04", "a zip archive, as .zip, .docx, .xlsx, .epub and .npz are"],
  ["PK\x05\x06", "an empty zip archive"],
  ["\x28\xb5\x2f\xfd", "packed by zstd"],
  ["\xfd7zXZ\0", "packed by xz"],
  ["BZh", "packed by bzip2"],
  ["\x04\x22\x4d\x18", "packed by lz4"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive"],
  ["Rar!\x1a\x07", "a rar archive"],
  ["PAR1", "a Parquet table"],
  ["ARROW1", "an Arrow table"],
  ["FEA1", "a Feather table"],
  ["Obj\x01", "an Avro table"],
  ["%PDF-", "a PDF document"],
  ["{\\rtf", "an RTF document"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document, as .doc and .xls are"],
  ["SQLite format 3\0", "an SQLite database"],
  ["\x89PNG\r\n", "a picture"],
  ["\xff\xd8\xff", "a picture"],
  ["GIF8", "a picture"],
  ["\x89HDF\r\n", "an HDF5 file"],
  ["\x93NUMPY", "a NumPy array"],
  ["GGUF", "a model in GGUF"],
  ["SHOALTOK", "a shard of a prepared folder; name its folder"],
  ["\x7fELF", "a program"],
  [
    "version https://git-lfs.github.com/spec/",
    "a pointer of Git LFS; git lfs pull fetches the file",
  ],
];

/** Byte order marks of encodings that are not UTF-8, the longer first. */
const MARKS: readonly (readonly [mark: string, encoding: string])[] = [
  ["\xff\xfe\0\0", "UTF-32"],
  ["\0\0\xfe\xff", "UTF-32"],
  ["\xff\xfe", "UTF-16"],
  ["\xfe\xff", "UTF-16"],
];

/** Offset and text of the tar signature. */
const TAR = { at: 257, signature: "ustar" } as const;
/** Signatures that are plain words may begin a text: they only match if control bytes follow. */
const WORD = /^\w+$/;
/** Bytes searched for control bytes. */
const NEAR = 512;

/**
 * The format of a file with these first bytes, to follow "it is"; undefined if it may be UTF-8
 * text. Text may contain NULs: a file is binary only if other control bytes occur, or many NULs are
 * scattered.
 */
export function foreignFormat(head: Uint8Array): string | undefined {
  const begins = (text: string, at = 0): boolean =>
    head.length >= at + text.length &&
    Array.from(text).every((c, i) => head[at + i] === c.charCodeAt(0));
  const encoding = MARKS.find(([mark]) => begins(mark))?.[1];
  if (encoding !== undefined) return convertFrom(encoding);
  const found = SIGNATURES.find(([signature]) =>
    begins(signature) && (!WORD.test(signature) || head.subarray(0, NEAR).some(isControl))
  );
  if (found !== undefined) return found[1];
  if (begins(TAR.signature, TAR.at)) return "a tar archive";
  return nullFormat(head);
}

function convertFrom(encoding: string): string {
  return `${encoding}; convert it, as iconv -f ${encoding} -t UTF-8 does`;
}

/** Whether a byte occurs in no text, terminal escapes included. */
function isControl(byte: number): boolean {
  return byte < 0x07 || (byte > 0x0d && byte < 0x1b);
}

/** Fraction of isolated NULs from which a file counts as binary or UTF-16. */
const SCATTERED = 0.05;

/** The format by scattered NULs; undefined without NULs, or with runs of them only. */
function nullFormat(head: Uint8Array): string | undefined {
  let nulls = 0;
  let control = false;
  const scattered = [0, 0];
  for (let i = 0; i < head.length; i++) {
    const byte = head[i] as number;
    if (byte === 0) {
      nulls++;
      if (i > 0 && head[i - 1] !== 0) scattered[i % 2] = (scattered[i % 2] as number) + 1;
    } else control ||= isControl(byte);
  }
  if (nulls === 0) return undefined;
  const [even = 0, odd = 0] = scattered;
  // Latin text in UTF-16 has a NUL in each pair, always at the same parity.
  const wide = Math.max(even, odd) > 0.4 * head.length && Math.min(even, odd) === 0;
  if (wide && !control) return convertFrom(even > odd ? "UTF-16BE" : "UTF-16LE");
  return control || even + odd > SCATTERED * head.length ? "a binary file" : undefined;
}

/** Suffixes of text formats whose markup should not be trained on. */
const MARKUP: Readonly<Record<string, string>> = {
  csv: "a table",
  tsv: "a table",
  html: "a web page",
  htm: "a web page",
  xhtml: "a web page",
  ipynb: "a notebook",
};

/** The markup format by file name, to follow "it is"; undefined for other names. */
export function markupFormat(path: string): string | undefined {
  const format = MARKUP[/\.([^./]+)(?:\.gz)?$/.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (format === undefined) return undefined;
  return `${format}; write its texts as lines of JSON (.jsonl), or name it .txt to read it as it ` +
    "stands";
}

/** Layout of a record file: one JSON value per line, or an array or sequence of values. */
export type RecordKind = "jsonl" | "json";

/** Record layout by file name; undefined for other files. */
export function recordKind(path: string): RecordKind | undefined {
  const suffix = /\.(jsonl|ndjson|jsonlines|json)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase();
  if (suffix === undefined) return undefined;
  return suffix === "json" ? "json" : "jsonl";
}
