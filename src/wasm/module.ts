/** Collects the kernels of one module, each distinct body once, and links their calls. */
import { type Code, encodeBody, encodeModule, unsigned } from "./encode.ts";
import { Body } from "./body.ts";
import { I32, type Region } from "./values.ts";

const CALL = 0x10;

/** A module under construction. */
export class ModuleBuilder {
  readonly #functions: { readonly params: number; readonly body: Uint8Array }[] = [];
  readonly #known = new Map<string, number>();
  readonly #exports: Record<string, number> = {};

  /** Number of distinct functions. */
  get size(): number {
    return this.#functions.length;
  }

  /**
   * Prints a kernel over regions of so many bytes; one with the same body is reused.
   * @throws {RangeError} when an access is not provably inside its region.
   */
  kernel(
    regions: readonly { readonly name: string; readonly bytes: number }[],
    print: (body: Body, regions: readonly Region[]) => void,
  ): number {
    const body = new Body(regions.length);
    print(body, regions.map(({ name, bytes }, param) => ({ name, bytes, param })));
    return this.#add(regions.length, encodeBody(body.finish()));
  }

  /** Exports a function without parameters that calls kernels in order with constant addresses. */
  sequence(
    name: string,
    calls: readonly { readonly kernel: number; readonly addresses: readonly number[] }[],
  ): void {
    const code: Code = calls.map(({ kernel, addresses }) => [
      addresses.map((address) => I32.of(address).code),
      CALL,
      unsigned(kernel),
    ]);
    this.#exports[name] = this.#add(0, encodeBody({ params: 0, locals: [], code }));
  }

  /** The bytes of the module. */
  encode(): Uint8Array<ArrayBuffer> {
    return encodeModule({ functions: this.#functions, exports: this.#exports });
  }

  #add(params: number, body: Uint8Array): number {
    const key = `${params}:${new TextDecoder("latin1").decode(body)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.#functions.push({ params, body }) - 1;
    this.#known.set(key, index);
    return index;
  }
}
