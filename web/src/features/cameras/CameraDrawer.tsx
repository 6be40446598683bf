import { Drawer } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Camera } from '../../client/types';
import { CameraForm } from './CameraForm';

interface Props {
  /** Null: closed. */
  camera: Camera | null;
  onClose: () => void;
}

/** Changes one camera. Mount it anew for each. */
export function CameraDrawer({ camera, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={camera !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={t('cameras.editTitle', { code: camera?.code ?? '' })}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <CameraForm camera={camera} onClose={onClose} />
    </Drawer>
  );
}
