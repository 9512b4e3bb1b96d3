// grpc.reflection v1 and v1alpha from the descriptors, for grpcurl and its kin.
import { createRegistry, type DescExtension, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";
import { ServerReflection, type ServerReflectionRequest } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { implement, type ServiceEntry } from "./call.js";

/** Reflection of the given services, under its present and its old name. */
export function reflectionServices(services: readonly ServiceEntry[]): ServiceEntry[] {
  const respond = responder(services);
  const { handlers } = implement(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: respond(request) };
      }
    },
  });
  return [
    { service: ServerReflection, handlers },
    { service: alphaReflection(), handlers },
  ];
}

/** The old service has the same messages on the wire: the new descriptor under the old name. */
function alphaReflection(): typeof ServerReflection {
  const service = { ...ServerReflection, typeName: "grpc.reflection.v1alpha.ServerReflection" };
  const methods = ServerReflection.methods.map((method) => ({ ...method, parent: service }));
  return Object.assign(service, { methods }) as unknown as typeof ServerReflection;
}

function responder(services: readonly ServiceEntry[]) {
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile) => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    file.dependencies.forEach(visit);
  };
  for (const { service } of services) visit(service.file);
  // Without it tools print the details of errors as raw bytes.
  visit(file_google_rpc_error_details);
  const registry = createRegistry(...files.values());
  const extensionsOf = (typeName: string) =>
    [...registry].filter(
      (type): type is DescExtension => type.kind === "extension" && type.extendee.typeName === typeName,
    );
  const fileOf = (symbol: string): DescFile | undefined => {
    // A method or field is found by its parent.
    for (let name = symbol; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const type = registry.get(name);
      if (type !== undefined) return type.file;
    }
    return undefined;
  };
  return ({ messageRequest: request }: ServerReflectionRequest) => {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse" as const,
          value: { service: services.map(({ service }) => ({ name: service.typeName })) },
        };
      case "fileByFilename":
        return fileResponse(files.get(request.value.replace(/\.proto$/, "")));
      case "fileContainingSymbol":
        return fileResponse(fileOf(request.value));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = request.value;
        return fileResponse(
          extensionsOf(containingType).find(({ number }) => number === extensionNumber)?.file,
        );
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = extensionsOf(request.value).map(({ number }) => number);
        return {
          case: "allExtensionNumbersResponse" as const,
          value: { baseTypeName: request.value, extensionNumber },
        };
      }
      case undefined:
        return errorResponse(Code.InvalidArgument, "empty request");
    }
  };
}

function errorResponse(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}

function fileResponse(file: DescFile | undefined) {
  if (file === undefined) return errorResponse(Code.NotFound, "not found");
  const closure = new Set<DescFile>();
  const visit = (next: DescFile) => {
    if (closure.has(next)) return;
    closure.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  const fileDescriptorProto = [...closure].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}
