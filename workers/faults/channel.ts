/** Decorates a channel: another send or receive, everything else unchanged. */
import type { FencedChannel, Frame, Header, PayloadTarget } from "../../src/transport/channel.ts";

/** A channel that forwards to another one. */
export class ChannelDecorator implements FencedChannel {
  protected readonly inner: FencedChannel;

  constructor(inner: FencedChannel) {
    this.inner = inner;
  }

  get attempt(): number {
    return this.inner.attempt;
  }

  set attempt(attempt: number) {
    this.inner.attempt = attempt;
  }

  get stale(): number {
    return this.inner.stale;
  }

  get maxPayload(): number {
    return this.inner.maxPayload;
  }

  set maxPayload(bytes: number) {
    this.inner.maxPayload = bytes;
  }

  send(header: Header, payload?: Uint8Array): Promise<void> {
    return this.inner.send(header, payload);
  }

  receive(place?: PayloadTarget): Promise<Frame | undefined> {
    return this.inner.receive(place);
  }

  close(): void {
    this.inner.close();
  }
}
