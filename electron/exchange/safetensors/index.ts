export { type ArrayOf, byteLengthOf, bytesPerElement, type Dtype, dtypes, isDtype } from './dtypes.ts';
export { maxHeaderBytes, type SafetensorsHeader, type TensorInfo } from './header.ts';
export { readSafetensorsHeader, SafetensorsFile } from './reader.ts';
export { safetensorsBytes, type TensorSource, type WrittenFile, writeHashed, writeSafetensors } from './writer.ts';
