// What a newer version may have put into a record: a kind of command or event, a field or a word of which this
// one has never heard. Looked for only when a record cannot be replayed, to say why.
import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** The first thing in a record that the contract of this version does not have; undefined when all is known. */
export function newerIn(payload: Uint8Array): string | undefined {
  try {
    return newerInMessage(reflect(RecordSchema, fromBinary(RecordSchema, payload)));
  } catch {
    // Bytes that are no message at all are no newer message.
    return undefined;
  }
}

function newerInMessage(message: ReflectMessage): string | undefined {
  const [unknown] = message.getUnknown() ?? [];
  if (unknown !== undefined) return `field ${unknown.no} of ${message.desc.typeName}`;
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const newer = newerInField(message, field);
    if (newer !== undefined) return newer;
  }
  return undefined;
}

function newerInField(message: ReflectMessage, field: ReflectMessage["fields"][number]): string | undefined {
  switch (field.fieldKind) {
    case "message":
      return newerInMessage(message.get(field));
    case "enum": {
      const number = message.get(field);
      if (field.enum.value[number] !== undefined) return undefined;
      return `value ${number} of ${field.enum.typeName}`;
    }
    case "list": {
      if (field.listKind !== "message") return undefined;
      for (const item of message.get(field)) {
        const newer = newerInMessage(item as ReflectMessage);
        if (newer !== undefined) return newer;
      }
      return undefined;
    }
    case "scalar":
    case "map":
      return undefined;
  }
}
