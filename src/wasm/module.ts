/** Collects the kernels of one module, each distinct body once, and links their calls. */
import { type Arithmetic, encodeBody, encodeModule, unsigned, type WasmCode } from "./encode.ts";
import { Body } from "./body.ts";
import type { Callee, DefineFunction, PrintFunction, Signature } from "./function.ts";
import { I32 } from "./values.ts";

const [GET, CALL] = [0x20, 0x10];

/** A module under construction. */
export class ModuleBuilder {
  readonly #arithmetic: Arithmetic;
  readonly #functions: { readonly params: number; readonly body: Uint8Array }[] = [];
  readonly #known = new Map<string, number>();
  /** Functions by the keys that they were printed for. */
  readonly #printed = new Map<string, Callee>();
  readonly #exports: Record<string, number> = {};

  /** `arithmetic`: what the module is printed for. */
  constructor(arithmetic: Arithmetic = { fuses: true }) {
    this.#arithmetic = arithmetic;
  }

  /** Bodies of the distinct functions so far. */
  get bodies(): readonly Uint8Array[] {
    return this.#functions.map(({ body }) => body);
  }

  /**
   * Prints a function; one with the same body is reused. @throws {RangeError} when an access is not
   * provably inside its area.
   */
  readonly define: DefineFunction<Body> = (signature, print, key) => {
    if (key === undefined) return this.#print(signature, print);
    const whole = `${key} ${JSON.stringify(signature)}`;
    const callee = this.#printed.get(whole) ?? this.#print(signature, print);
    this.#printed.set(whole, callee);
    return callee;
  };

  #print(signature: Signature, print: PrintFunction<Body>): Callee {
    const { areas, ints = [] } = signature;
    const params = areas.length + ints.length;
    const body = new Body(params, this.define);
    print(
      body,
      areas.map(({ name, bytes }, param) => ({ name, bytes, param })),
      ints.map((range, k) => new I32([GET, unsigned(areas.length + k)], range)),
    );
    return { ...signature, index: this.#add(params, encodeBody(body.finish(), this.#arithmetic)) };
  }

  /** Exports a function without parameters that calls kernels in order with constant addresses. */
  sequence(
    name: string,
    calls: readonly { readonly kernel: Callee; readonly addresses: readonly number[] }[],
  ): void {
    const code: WasmCode = calls.map(({ kernel, addresses }) => [
      addresses.map((address) => I32.of(address).code),
      CALL,
      unsigned(kernel.index),
    ]);
    this.#exports[name] = this.#add(
      0,
      encodeBody({ params: 0, locals: [], code }, this.#arithmetic),
    );
  }

  /** Exports a function with its parameters: addresses of its areas, which the caller keeps to. */
  entry(name: string, { index }: Callee): void {
    this.#exports[name] = index;
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
