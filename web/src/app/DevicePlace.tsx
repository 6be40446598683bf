/** A camera's own page, with the wall's live picture in it: features do not know each other, so they meet here. */
import { DevicePage } from '../features/device/DevicePage';
import LivePicture from '../features/wall/LivePicture';

export default function DevicePlace() {
  return <DevicePage picture={(camera) => <LivePicture key={camera.code} camera={camera} />} />;
}
