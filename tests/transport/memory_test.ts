import { channelContract } from "../contracts/channel.ts";
import { memoryPair, pipePair } from "../../src/transport/memory.ts";
import { streamChannel } from "../../src/transport/stream.ts";

channelContract("memory", {
  pair(options) {
    const [a, b] = memoryPair(options);
    return Promise.resolve({ a, b, close() {} });
  },
  raw(options) {
    const [near, b] = pipePair();
    return Promise.resolve({ a: streamChannel(near, options), b, close() {} });
  },
});
