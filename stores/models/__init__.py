from stores.models.goods import Listing, ListingState, Pool, Product, Sku
from stores.models.price import PriceInForce, PriceLayer
from stores.models.store import (
    Brand,
    Platform,
    Store,
    StoreGroupObjectPermission,
    StoreMode,
    StoreStatus,
    StoreUserObjectPermission,
)

__all__ = [
    "Brand",
    "Listing",
    "ListingState",
    "Platform",
    "Pool",
    "PriceInForce",
    "PriceLayer",
    "Product",
    "Sku",
    "Store",
    "StoreGroupObjectPermission",
    "StoreMode",
    "StoreStatus",
    "StoreUserObjectPermission",
]
