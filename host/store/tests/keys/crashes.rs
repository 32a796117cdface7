//! Changing keys is interrupted at every step, and made again.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use partneros_store::{
    KeyBytes, KeyRing, KeyUse, KeyWrapper, Keys as _, Result, Sqlite, UnwrapError, WrapContext,
    WrappedKey,
};

use crate::world::{Folder, all_open, connects, opens, populate};

/// Drops the work when it has waited this often. `None`: it did not get to its end.
async fn interrupted<T>(work: impl Future<Output = T>, waits: usize) -> Option<T> {
    let mut work = pin!(work);
    let mut waited = 0;
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if waited == waits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// A ring that can be interrupted before each thing it does.
#[derive(Debug)]
struct Hesitant(KeyRing);

#[async_trait]
impl KeyWrapper for Hesitant {
    async fn current(&self) -> Result<String> {
        tokio::task::yield_now().await;
        self.0.current().await
    }

    async fn wrap_key(&self, context: WrapContext, key: &KeyBytes) -> Result<WrappedKey> {
        tokio::task::yield_now().await;
        self.0.wrap_key(context, key).await
    }

    async fn unwrap_key(
        &self,
        context: WrapContext,
        wrapped: &WrappedKey,
    ) -> std::result::Result<KeyBytes, UnwrapError> {
        tokio::task::yield_now().await;
        self.0.unwrap_key(context, wrapped).await
    }
}

fn command(folder: &Folder) -> Sqlite {
    folder.open().wrapped_by(Arc::new(Hesitant(folder.ring())))
}

async fn uses(store: &Sqlite) -> Vec<KeyUse> {
    store.key_uses().await.unwrap()
}

#[tokio::test]
async fn wrapping_anew_can_end_anywhere() {
    let folder = Folder::new();
    let host = folder.open();
    // More than fits in one batch.
    populate(&host, 130, 1).await;
    let ring = folder.ring();
    let mut mixed = 0;
    // It waits at least 261 times: once for the name, and for each data key to unwrap and to wrap.
    for steps in (0..).step_by(37) {
        // A command that was killed after it had added its key leaves that key in the ring.
        let current = ring.edit().unwrap().add("next").unwrap();
        let command = command(&folder);
        let ended = interrupted(command.rewrap_data_keys(), steps).await;
        for of in [1, 100, 101, 130] {
            opens(&host, of, 1).await.unwrap();
        }
        mixed += usize::from(uses(&host).await.len() > 1);
        if ended.is_some() {
            let all = [KeyUse {
                key: current,
                data_keys: 130,
                secrets: 0,
            }];
            assert_eq!(uses(&host).await, all);
            break;
        }
    }
    assert!(mixed > 0);
    all_open(&folder.open(), 130, 1).await;
}

#[tokio::test]
async fn new_data_keys_can_end_anywhere() {
    let folder = Folder::new();
    let host = folder.open();
    populate(&host, 2, 110).await;
    let mut steps = 0;
    loop {
        let command = command(&folder);
        let ended = interrupted(command.renew_data_keys(), steps).await;
        for (of, number) in [(1, 1), (1, 110), (2, 1), (2, 110)] {
            opens(&host, of, number).await.unwrap();
        }
        // The host goes on to store tokens, whatever the command got to.
        connects(&host, 1, 50).await.unwrap();
        opens(&host, 1, 50).await.unwrap();
        if let Some(rekeyed) = ended {
            let rekeyed = rekeyed.unwrap();
            assert!(rekeyed.unopened.is_empty());
            break;
        }
        steps += 1;
    }
    // For each organization a data key is wrapped, and that and the one before are unwrapped.
    assert!(steps >= 6, "{steps} steps");
    let kept: i64 = folder
        .sql()
        .query_row("SELECT count(*) FROM data_keys", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 2, "what interrupted commands left is removed");
    all_open(&folder.open(), 2, 110).await;
}

#[tokio::test]
async fn secrets_are_stored_while_data_keys_are_replaced() {
    let folder = Folder::new();
    let host = folder.open();
    populate(&host, 2, 30).await;
    let command = folder.open();
    let replacing = async {
        for _ in 0..5 {
            command.renew_data_keys().await.unwrap();
        }
    };
    let storing = async {
        for _ in 0..3 {
            for number in 1..=30 {
                connects(&host, 1, number).await.unwrap();
                opens(&host, 1, number).await.unwrap();
            }
        }
    };
    tokio::join!(replacing, storing);
    all_open(&host, 2, 30).await;
    all_open(&folder.open(), 2, 30).await;
}
