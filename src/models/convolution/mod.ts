/** Convolutional networks: over images, and over the characters of a text. */
export { charCnn } from "./char_cnn.ts";
export { convnet } from "./convnet.ts";
export { type CharCnnConfig, charCnnSchema, type ConvnetConfig, convnetSchema } from "./schema.ts";
