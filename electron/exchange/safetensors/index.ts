export { type ArrayOf, byteLengthOf, bytesPerElement, type Dtype, dtypes, isDtype } from './dtypes.ts';
export { type FileSystem, nodeFileSystem, type WritableFile } from './fileSystem.ts';
export { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from './half.ts';
export { maxHeaderBytes, type SafetensorsHeader, type TensorInfo } from './header.ts';
export { readSafetensorsHeader, SafetensorsFile } from './reader.ts';
export { isSystemError, meaningOf, reading, type SystemError } from './systemErrors.ts';
export { safetensorsBytes, type TensorSource, type WrittenFile, writeHashed, writeSafetensors } from './writer.ts';
