/** What a simulated exchange costs: figures that were measured, and those that are assumed. */
import type { ExchangeWay } from "../../src/reduce/schema.ts";

/** The figures of a machine. */
export interface Figures {
  /** Seconds of a thread to send or to receive a frame without its payload. */
  readonly frame: number;
  /** Seconds per byte to put a payload into its frame, a file, or nowhere; and to take it. */
  readonly put: Readonly<Record<ExchangeWay, number>>;
  readonly take: Readonly<Record<ExchangeWay, number>>;
  /** Elements per second that are added to a sum. */
  readonly sums: number;
  /** Bytes per second that all cores of the machine read and write. */
  readonly memory: number;
  /** Seconds per byte from the device into memory, and back to it. */
  readonly read: number;
  readonly write: number;
}

/**
 * Two cores of a Xeon (Sapphire Rapids class), bench/results/exchange_xeon2_202612.md: a frame from
 * the difference between chunks of 1 and 8 MiB, bytes from the processor time of sockets and file,
 * sums as two processes at once have them beyond the caches. The memory of a server with 8 channels of DDR4-3200,
 * 25.6 GB/s each by its standard (JESD79-4). From and to a device as PCI Express 4.0 x16 has it, 25
 * GB/s of its 31.5, and one copy by the host at 11 GB/s on each way.
 */
export const XEON: Figures = {
  frame: 70e-6,
  put: { sockets: 0.34e-9, file: 0.26e-9, mmap: 0 },
  take: { sockets: 0.34e-9, file: 0.26e-9, mmap: 0 },
  sums: 1.25e9,
  memory: 8 * 25.6e9,
  read: 1 / 25e9 + 1 / 11e9,
  write: 1 / 25e9 + 1 / 11e9,
};

/** Bytes of memory traffic for an element that is added: two terms and the sum. */
const SUM_TRAFFIC = 12;

/** How many times slower memory is for each of `workers` that all use it. */
export function contention({ sums, memory }: Figures, workers: number): number {
  return Math.max(1, workers * sums * SUM_TRAFFIC / memory);
}
