/**
 * The few functions of the C library with which processes share pages: anonymous files in memory,
 * which have no name and end with their last descriptor. The permission `--allow-ffi` for the paths
 * below is all that they need. Linux alone.
 */

/** Where distributions keep the C library. */
export const LIBC_PATHS: readonly string[] = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

// From the headers of Linux: linux/memfd.h, asm-generic/fcntl.h, linux/fcntl.h, sys/mman.h.
const [MFD_CLOEXEC, MFD_ALLOW_SEALING] = [1, 2];
const [O_RDONLY, O_CLOEXEC] = [0, 0o2000000];
const [F_ADD_SEALS, F_GET_SEALS] = [1033, 1034];
const [F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW] = [1, 2, 4];
const SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
const [PROT_READ, PROT_WRITE] = [1, 2];
const [MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS] = [1, 2, 16, 32];
const SEEK_END = 2;
const MAP_FAILED = 2n ** 64n - 1n;

const FUNCTIONS = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  posix_fallocate: { parameters: ["i32", "i64", "i64"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  // The address of a buffer: pointers themselves would need the permission for every library.
  memcpy: { parameters: ["buffer", "buffer", "usize"], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;

let opened: Libc | undefined;

/** The C library; undefined where it is not found, or may not be used. */
export function openLibc(): Libc | undefined {
  if (opened !== undefined || Deno.build.os !== "linux") return opened;
  for (const path of LIBC_PATHS) {
    try {
      return opened = new Libc(Deno.dlopen(path, FUNCTIONS));
    } catch {
      // Another system keeps it elsewhere; without the permission, all are refused.
    }
  }
  return undefined;
}

/** Files in memory, and what is mapped of them. A descriptor below 0 is a failure. */
export class Libc {
  readonly #call: Deno.DynamicLibrary<typeof FUNCTIONS>["symbols"];

  constructor(library: Deno.DynamicLibrary<typeof FUNCTIONS>) {
    this.#call = library.symbols;
  }

  /** Creates a file of zeros in memory and seals its size; undefined if there is no room for it. */
  createFile(bytes: number): number | undefined {
    const call = this.#call;
    const file = call.memfd_create(textOf("shoal"), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return undefined;
    const size = BigInt(bytes);
    // Pages that are only found missing when they are written would end the process.
    const isThere = call.ftruncate(file, size) === 0 && call.posix_fallocate(file, 0n, size) === 0;
    if (isThere && call.fcntl(file, F_ADD_SEALS, SEALS) === 0) return file;
    call.close(file);
    return undefined;
  }

  /** Opens the file of another process of the same user for reading; undefined if it is not that. */
  openFile({ pid, file, bytes }: FileAddress): number | undefined {
    const call = this.#call;
    const own = call.open(textOf(`/proc/${pid}/fd/${file}`), O_RDONLY | O_CLOEXEC);
    if (own < 0) return undefined;
    const isSealed = call.fcntl(own, F_GET_SEALS, 0) === SEALS;
    if (isSealed && Number(call.lseek(own, 0n, SEEK_END)) === bytes) return own;
    call.close(own);
    return undefined;
  }

  /**
   * Puts the bytes of a file from `from` on in place of `range`: both begin at a page. @throws
   * {RangeError} when the system refuses it.
   */
  map(range: Uint8Array, { file, from, writes }: FileRange): void {
    const protection = writes ? PROT_READ | PROT_WRITE : PROT_READ;
    this.#map(range, { protection, flags: MAP_SHARED | MAP_FIXED, file, from });
  }

  /** Puts zeros of this process alone in place of what was mapped. */
  unmap(range: Uint8Array): void {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    this.#map(range, { protection: PROT_READ | PROT_WRITE, flags, file: -1, from: 0 });
  }

  close(file: number): void {
    this.#call.close(file);
  }

  #map(
    range: Uint8Array,
    { protection, flags, file, from }: {
      protection: number;
      flags: number;
      file: number;
      from: number;
    },
  ): void {
    const call = this.#call;
    const at = call.memcpy(range, range, 0n);
    const bytes = BigInt(range.length);
    const got = call.mmap(at, bytes, protection, flags, file, BigInt(from));
    if (got !== MAP_FAILED && got === at) return;
    throw new RangeError(`Cannot map ${bytes} bytes of shared memory: the system refuses it`);
  }
}

/** Where another process finds a file in memory. */
export interface FileAddress {
  readonly pid: number;
  /** Its descriptor in that process. */
  readonly file: number;
  readonly bytes: number;
}

/** Bytes of a file that are mapped. */
export interface FileRange {
  /** Descriptor in this process. */
  readonly file: number;
  /** First byte, at a page. */
  readonly from: number;
  /** Whether this process writes them. */
  readonly writes: boolean;
}

function textOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
