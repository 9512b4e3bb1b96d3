// Protobuf descriptors to grpc-js: no second generator, no second message model.
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";

/** Full path of a method, as it stands on the wire. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Bytes of a message given as init object. */
export function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Message of bytes. Throws when they are not one. */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array) {
  return fromBinary(schema, bytes);
}

/**
 * grpc-js definition of a method that moves raw bytes: messages are read in the handler, where a
 * malformed one becomes a precise error instead of grpc-js' INTERNAL.
 */
export function rawDefinition(method: DescMethod): MethodDefinition<Buffer, Buffer> {
  const pass = (bytes: Buffer) => bytes;
  return {
    path: pathOf(method),
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
    originalName: method.localName,
  };
}
