/**
 * Mutual authentication by a shared token that is not sent: HMAC-SHA-256 over both nonces, the
 * protocol version and the dialer's hello (RFC 2104; challenge and response as in ISO/IEC 9798-4).
 */
import { canonical } from "../base/hash.ts";
import { type Channel, ChannelError, type Header } from "./channel.ts";
import { PROTOCOL_VERSION } from "./frame.ts";
import { afterLoopTime } from "./deadline.ts";

/** The dialer's claims about itself; the proofs cover all of them. */
export interface Hello {
  readonly rank: number;
  readonly attempt: number;
  readonly [key: string]: number | string | boolean;
}

/** The listener's options. */
export interface HandshakeOptions extends Terms {
  /**
   * Why an authenticated dialer is refused, as in `needs attempt 3: got 2`, which is sent to it;
   * undefined admits it. Two may be judged before either is admitted.
   */
  readonly judge?: (hello: Hello) => string | undefined;
}

/** Options of both ends. */
export interface Terms {
  /** The run's token: 32 random bytes. */
  readonly token: Uint8Array;
  /** Timeout of the whole handshake, in ms of event loop time. Default 5000. */
  readonly deadline?: number;
  /** Protocol version to send and to require; tests override it. */
  readonly version?: number;
}

/** The data that the proofs cover, besides the role. */
interface Transcript {
  readonly version: number;
  readonly hello: Hello;
  readonly dialerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
}

export const TOKEN_BYTES = 32;
const NONCE_BYTES = 32;
const DEADLINE = 5000;
const LONGEST_REASON = 300;

/**
 * The dialer's side. Rejects with ChannelError and closes the channel unless the peer has the
 * token.
 */
export async function greet(channel: Channel, hello: Hello, terms: Terms): Promise<void> {
  await withDeadline(channel, terms, async (key) => {
    const version = terms.version ?? PROTOCOL_VERSION;
    const dialerNonce = nonce();
    await channel.send({ type: "hello", version, nonce: dialerNonce, hello });
    const challenge = await expect(channel, "challenge");
    const listenerNonce = bytesField(challenge, "nonce", NONCE_BYTES);
    const transcript = { version, hello, dialerNonce, listenerNonce };
    await verify(key, { role: "listener", transcript }, bytesField(challenge, "proof", 32));
    const proof = await prove(key, { role: "dialer", transcript });
    await channel.send({ type: "answer", proof });
    await expect(channel, "welcome");
  });
}

/**
 * The listener's side; returns the hello of the authenticated dialer. Rejects with ChannelError and
 * closes the channel on a wrong token or version, a refusal by `judge`, and a timeout.
 */
export async function admit(channel: Channel, terms: HandshakeOptions): Promise<Hello> {
  return await withDeadline(channel, terms, async (key) => {
    const version = terms.version ?? PROTOCOL_VERSION;
    const first = await expect(channel, "hello");
    if (first["version"] !== version) {
      const got = JSON.stringify(first["version"]);
      return await refuse(channel, `needs version ${version}: got ${got}`);
    }
    const hello = helloField(first);
    const dialerNonce = bytesField(first, "nonce", NONCE_BYTES);
    const listenerNonce = nonce();
    const transcript = { version, hello, dialerNonce, listenerNonce };
    const proof = await prove(key, { role: "listener", transcript });
    await channel.send({ type: "challenge", nonce: listenerNonce, proof });
    const answer = await expect(channel, "answer");
    await verify(key, { role: "dialer", transcript }, bytesField(answer, "proof", 32));
    const fault = terms.judge?.(hello);
    if (fault !== undefined) return await refuse(channel, fault);
    await channel.send({ type: "welcome" });
    return hello;
  });
}

async function refuse(channel: Channel, reason: string): Promise<never> {
  await channel.send({ type: "refused", reason });
  throw new ChannelError(`Cannot shake hands: ${reason}`);
}

/** Runs one side with a timeout; closes the channel on any error. */
async function withDeadline<T>(
  channel: Channel,
  { token, deadline = DEADLINE }: Terms,
  side: (key: CryptoKey) => Promise<T>,
): Promise<T> {
  if (token.length !== TOKEN_BYTES) {
    throw new RangeError(
      `Cannot shake hands: needs a token of ${TOKEN_BYTES} bytes: got ${token.length}`,
    );
  }
  let isLate = false;
  const end = afterLoopTime(deadline, () => {
    isLate = true;
    channel.close(); // ends pending calls
  });
  const late = `Cannot shake hands: needs an end within ${deadline} ms: it took longer`;
  try {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const raw = new Uint8Array(token);
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign", "verify"]);
    const result = await side(key);
    if (isLate) throw new ChannelError(late);
    return result;
  } catch (error) {
    channel.close();
    throw isLate ? new ChannelError(late, { cause: error }) : error;
  } finally {
    end();
  }
}

/** The header of the next frame, which must have this type and no payload. */
async function expect(channel: Channel, type: string): Promise<Header> {
  const frame = await channel.receive(() => {
    throw new ChannelError("Cannot shake hands: needs frames without payload: got one");
  });
  if (frame === undefined) {
    throw new ChannelError(`Cannot shake hands: needs "${type}": the peer closed`);
  }
  const { header } = frame;
  if (header.type === "refused" && typeof header["reason"] === "string") {
    // From an unauthenticated peer, and printed to a terminal: keep printable ASCII only.
    const reason = header["reason"].slice(0, LONGEST_REASON).replace(/[^\x20-\x7e]/g, "?");
    throw new ChannelError(`Cannot shake hands: the peer ${reason}`);
  }
  if (header.type !== type) {
    throw new ChannelError(`Cannot shake hands: needs "${type}": got "${header.type}"`);
  }
  return header;
}

function nonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

interface Claim {
  readonly role: "dialer" | "listener"; // prevents reflection of a proof to its author
  readonly transcript: Transcript;
}

function claimBytes({ role, transcript }: Claim): Uint8Array<ArrayBuffer> {
  const { version, hello, dialerNonce, listenerNonce } = transcript;
  const nonces = [[...dialerNonce], [...listenerNonce]];
  return new TextEncoder().encode(canonical(["shoal handshake", role, version, hello, nonces]));
}

async function prove(key: CryptoKey, claim: Claim): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, claimBytes(claim)));
}

async function verify(key: CryptoKey, claim: Claim, proof: Uint8Array): Promise<void> {
  // subtle.verify compares in constant time
  const holds = await crypto.subtle.verify("HMAC", key, new Uint8Array(proof), claimBytes(claim));
  if (!holds) {
    throw new ChannelError(
      `Cannot shake hands: needs the run's token: the ${claim.role} has another`,
    );
  }
}

function bytesField(header: Header, name: string, bytes: number): Uint8Array {
  const value = header[name];
  if (value instanceof Uint8Array && value.length === bytes) return value;
  throw new ChannelError(`Cannot shake hands: needs ${bytes} bytes of ${name}: got something else`);
}

function helloField(header: Header): Hello {
  const value = header["hello"];
  if (isHello(value)) return value;
  throw new ChannelError(
    "Cannot shake hands: needs a rank, an attempt and plain facts: got others",
  );
}

function isHello(value: unknown): value is Hello {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && "rank" in value && isCount(value.rank) &&
    "attempt" in value && isCount(value.attempt) &&
    // The proof is over JSON, which cannot represent other numbers.
    Object.values(value).every((v) =>
      ["string", "boolean"].includes(typeof v) || Number.isFinite(v)
    );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
