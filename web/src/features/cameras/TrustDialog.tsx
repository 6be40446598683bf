import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { trustCamera } from '../../client/actions';
import { keys } from '../../client/queries';
import type { Camera } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';

/** The way out of "another certificate than the first time": asks once and says what it means. */
export function TrustAnew({ camera }: { camera: Pick<Camera, 'code' | 'name'> }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const trust = useMutation<undefined>({
    mutationFn: () => trustCamera(camera.code),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.cameras });
      setAsking(false);
    },
  });
  const close = () => {
    trust.reset();
    setAsking(false);
  };
  const words = { code: camera.code, name: camera.name };
  return (
    <>
      <Button size="xs" mt={4} variant="default" data-testid={`camera-trust-${camera.code}`} onClick={() => setAsking(true)}>
        {t('cameras.trust')}
      </Button>
      <Modal
        opened={asking}
        onClose={close}
        title={t('cameras.trustTitle', words)}
        closeButtonProps={{ 'aria-label': t('app.close') }}
      >
        <Stack gap="md">
          <Text>{t('cameras.trustText', words)}</Text>
          <Text>{t('cameras.trustCheck')}</Text>
          {trust.error ? <Notice {...say(trust.error)} /> : null}
          <Group justify="flex-end">
            <Button variant="default" data-autofocus onClick={close}>
              {t('app.cancel')}
            </Button>
            <Button loading={trust.isPending} data-testid="confirm-trust" onClick={() => trust.mutate()}>
              {t('cameras.trust')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
