// The types of Stripe's official Node library that the tests hold answers and parameters against.
import type Stripe from "stripe";

// Answers
export type CartSession = Stripe.Checkout.Session;
export type CartLineItem = Stripe.LineItem;
export type CartProduct = Stripe.Product;
export type CartPrice = Stripe.Price;
export type CartCoupon = Stripe.Coupon;
export type CartPromotionCode = Stripe.PromotionCode;
export type CartShippingRate = Stripe.ShippingRate;
export type CartTaxRate = Stripe.TaxRate;
export type CartCustomer = Stripe.Customer;
export type CartPaymentIntent = Stripe.PaymentIntent;
export type CartCharge = Stripe.Charge;
export type CartRefund = Stripe.Refund;
export type CartDispute = Stripe.Dispute;
export type CartSubscription = Stripe.Subscription;
export type CartInvoice = Stripe.Invoice;
export type CartInvoicePayment = Stripe.InvoicePayment;
export type CartEventBase = Stripe.EventBase;
export type CartWebhookEndpoint = Stripe.WebhookEndpoint;
// A thin event about an object of the API v1.
export type CartThinEvent = Omit<Stripe.V2.Core.Events.V1RefundCreatedEvent, "fetchRelatedObject" | "type"> & { type: string };

// Parameters
export type CartSessionCreateParams = Stripe.Checkout.SessionCreateParams;
export type CartSessionUpdateParams = Stripe.Checkout.SessionUpdateParams;
export type CartSessionExpireParams = Stripe.Checkout.SessionExpireParams;
export type CartSessionListParams = Stripe.Checkout.SessionListParams;
export type CartSessionListLineItemsParams = Stripe.Checkout.SessionListLineItemsParams;
export type CartProductCreateParams = Stripe.ProductCreateParams;
export type CartProductUpdateParams = Stripe.ProductUpdateParams;
export type CartProductListParams = Stripe.ProductListParams;
export type CartPriceCreateParams = Stripe.PriceCreateParams;
export type CartPriceUpdateParams = Stripe.PriceUpdateParams;
export type CartPriceListParams = Stripe.PriceListParams;
export type CartCouponCreateParams = Stripe.CouponCreateParams;
export type CartCouponListParams = Stripe.CouponListParams;
export type CartPromotionCodeCreateParams = Stripe.PromotionCodeCreateParams;
export type CartPromotionCodeUpdateParams = Stripe.PromotionCodeUpdateParams;
export type CartPromotionCodeListParams = Stripe.PromotionCodeListParams;
export type CartShippingRateListParams = Stripe.ShippingRateListParams;
export type CartTaxRateListParams = Stripe.TaxRateListParams;
export type CartPaymentIntentListParams = Stripe.PaymentIntentListParams;
export type CartPaymentIntentCaptureParams = Stripe.PaymentIntentCaptureParams;
export type CartPaymentIntentCancelParams = Stripe.PaymentIntentCancelParams;
export type CartChargeListParams = Stripe.ChargeListParams;
export type CartRefundCreateParams = Stripe.RefundCreateParams;
export type CartRefundListParams = Stripe.RefundListParams;
export type CartRefundUpdateParams = Stripe.RefundUpdateParams;
export type CartInvoicePaymentListParams = Stripe.InvoicePaymentListParams;
export type CartDisputeCloseParams = Stripe.DisputeCloseParams;
export type CartDisputeListParams = Stripe.DisputeListParams;
export type CartDisputeUpdateParams = Stripe.DisputeUpdateParams;
export type CartEventListParams = Stripe.EventListParams;
export type CartWebhookEndpointListParams = Stripe.WebhookEndpointListParams;
